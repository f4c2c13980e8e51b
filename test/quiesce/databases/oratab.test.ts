import * as assert from 'uvu/assert';
import { parseOratab } from '../../../src/quiesce/databases/oratab.ts';
import { suite } from '../../suite.ts';

const test = suite('oratab');

test('names the databases, and passes over comments, ASM and Grid Infrastructure', () => {
  const text = `# /etc/oratab
ORCL:/u01/app/oracle/product/19c/dbhome_1:Y
  CDB2:/u01/home:N   # standby
*:/u01/home:N
+ASM:/u01/app/grid:N
+ASM1:/u01/app/grid:N
-MGMTDB:/u01/app/grid:N
:/u01/home:Y
NOHOME::Y
nonsense
`;
  assert.equal(parseOratab(text), [
    { sid: 'ORCL', home: '/u01/app/oracle/product/19c/dbhome_1' },
    { sid: 'CDB2', home: '/u01/home' },
  ]);
});

test.run();
