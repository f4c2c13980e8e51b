import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { listSnapshots } from '../../../src/snapshot/inventory/container.ts';
import { suite } from '../../suite.ts';

const test = suite('listing of a container');

const blob = (name: string, metadata: string): string =>
  `<Blob><Name>${name}</Name><Snapshot>2026-11-22T02:41:52.6390000Z</Snapshot><Properties><Last-Modified>Sun, 22 Nov 2026 02:41:52 GMT</Last-Modified><Etag>1</Etag><Content-Length>512</Content-Length><BlobType>PageBlob</BlobType></Properties>${metadata}</Blob>`;

/** A container whose snapshots have this metadata. */
async function listed(metadata: readonly string[]) {
  const blobs = metadata.map((it, index) => blob(`disk${index}.vhd`, it)).join('');
  const xml = `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://x/" ContainerName="c"><Blobs>${blobs}</Blobs><NextMarker /></EnumerationResults>`;
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/xml');
    response.end(xml);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    return await listSnapshots(`http://127.0.0.1:${port}/c?sp=l&sig=x`, undefined);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('metadata without pairs, and values without text, are an object all the same', async () => {
  const snapshots = await listed([
    '<Metadata><policy>daily</policy></Metadata>',
    '<Metadata />',
    '<Metadata></Metadata>',
    '<Metadata><policy /><other></other></Metadata>',
    '',
  ]);
  assert.equal(
    snapshots.map(({ metadata }) => metadata),
    [{ policy: 'daily' }, {}, {}, { policy: '', other: '' }, {}],
  );
});

test.run();
