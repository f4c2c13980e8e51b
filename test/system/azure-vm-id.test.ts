import * as assert from 'uvu/assert';
import { azureVmId } from '../../src/system/azure-vm-id.ts';
import { suite } from '../suite.ts';

const test = suite('identifier of an Azure VM in its firmware');

const AZURE = {
  chassisTag: '7783-7084-3265-9085-8269-3286-77\n',
  productUuid: '527c2691-029f-fe4c-b1f4-a4da7ebac2cf\n',
  isUefi: false,
};

// The example of cloud-init's identity.py.
test('a VM of generation 1 shows three fields in the other order of bytes', () => {
  assert.is(azureVmId(AZURE), '91267c52-9f02-4cfe-b1f4-a4da7ebac2cf');
});

test('a VM of generation 2 shows it as it is', () => {
  const upper = { ...AZURE, productUuid: 'A1267C52-9F02-4CFE-B1F4-A4DA7EBAC2CF', isUefi: true };
  assert.is(azureVmId(upper), 'a1267c52-9f02-4cfe-b1f4-a4da7ebac2cf');
});

test('other machines and broken firmware show none', () => {
  for (const changed of [
    { chassisTag: undefined },
    { chassisTag: 'ASUS' },
    { productUuid: undefined },
    { productUuid: 'none' },
  ]) {
    assert.is(azureVmId({ ...AZURE, ...changed }), undefined);
  }
});

test.run();
