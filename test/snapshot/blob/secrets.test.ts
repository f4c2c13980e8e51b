import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { BlobLanes } from '../../../src/snapshot/blob/lanes.ts';
import { suite } from '../../suite.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import { blobAt } from './fixtures/blobs.ts';
import { answer, answerHead, Peer, reset, type Script, sayAndClose } from './fixtures/peer.ts';
import { inMs, target } from './fixtures/window.ts';

const { trusted } = trustOwnAuthority(import.meta.filename);
const test = suite('secrets of the lanes');

/** Answers that echo the request in every place where a server can put text. */
function echo(status: number): Script {
  return (request) => {
    const query = request.path.slice(request.path.indexOf('?') + 1);
    const sig = /sig=([^&]*)/.exec(query)?.[1] ?? '';
    const headers = {
      'x-ms-error-code': sig,
      'x-ms-request-id': decodeURIComponent(sig),
      'x-ms-snapshot': query,
      'retry-after': sig,
    };
    answer(
      status,
      headers,
      `<Error><Code>${sig}</Code><Message>${request.path}</Message></Error>`,
    )(request);
  };
}

const SCRIPTS: Script[] = [
  echo(201),
  echo(403),
  echo(409),
  echo(500),
  (request) => sayAndClose(`${request.path} is not HTTP\r\n\r\n`)(request),
  (request) => sayAndClose(`HTTP/1.1 200 OK\r\n${request.path}`)(request),
  reset,
];

test('no answer and no failure shows a signature, even if the server echoes it', async () => {
  const script = fc.constantFrom(...SCRIPTS);
  const signature = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9]{8,40}$/),
    fc.base64String({ minLength: 12, maxLength: 44 }),
  );
  await fc.assert(
    fc.asyncProperty(signature, script, fc.boolean(), async (secret, snapshot, readable) => {
      const head = readable ? answerHead : snapshot;
      await using peer = await Peer.start(trusted, { snapshot, firstByte: snapshot, head });
      const encoded = encodeURIComponent(secret);
      const url = `${peer.origin}/disks/d.vhd?sv=1&sig=${encoded}&sp=rw`;
      await using lanes = await BlobLanes.open([target(peer.origin, 0, { blob: blobAt(url) })]);
      const said: unknown[] = [await lanes.preflight(), await lanes.rewarm()];
      lanes.fire([0], inMs(400));
      said.push(await lanes.answers());
      const text = JSON.stringify(said, (_, value) =>
        typeof value === 'bigint' || value instanceof Uint8Array ? undefined : value,
      );
      assert.not.match(text, JSON.stringify(secret).slice(1, -1));
      assert.not.match(text, encoded);
    }),
    { numRuns: 25 },
  );
});

test.run();
