import { Freezer } from '../freezer/freezer.ts';
import { Guardian } from '../freezer/guardian.ts';
import { parseBlob } from '../snapshot/blob/blob.ts';
import { BlobLanes } from '../snapshot/blob/lanes.ts';

/** Port 9 discards what it gets; nothing is sent to it either. */
const NOWHERE = 'https://localhost:9/none/none?sig=none';

/**
 * Loads and starts every part of the program that a run needs: the addon, the guardian, a thread for
 * requests, and what is loaded on demand. Freezes nothing and connects to nothing.
 *
 * @throws FlashfreezeError FF_ADDON_MISSING, FF_GUARDIAN_MISSING, FF_GUARDIAN_LOST, FF_INTERNAL
 */
export async function checkParts(): Promise<void> {
  await using freezer = Freezer.open([], () => {});
  await using guardian = await Guardian.start(freezer);
  await using _lanes = await BlobLanes.open([
    {
      blob: parseBlob({ url: NOWHERE, device: undefined }, 'URL'),
      metadata: [],
      clientRequestId: '0',
    },
  ]);
  await import('@azure/storage-blob');
  await guardian.release();
}
