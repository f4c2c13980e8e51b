import type { LabFileSystemType } from '../../src/lab/disks.ts';
import { giveNewFsid } from './btrfs-identity.ts';
import { readHolding } from './chain-files.ts';
import type { Observation } from './cut.ts';
import { type ImageState, inspect, inspectRecoveredXfs } from './image-check.ts';
import type { Chain } from './order.ts';
import { readRaw } from './raw-area.ts';
import { AttachedImages, MountedSnapshot, type MountMode } from './snapshot-mount.ts';

/** The snapshot of one file system of the proof: one image, or one for each of its disks. */
export interface PlaceSnapshot {
  readonly place: number;
  readonly type: LabFileSystemType;
  readonly images: readonly string[];
}

export interface PlaceFinding {
  readonly place: number;
  readonly state: ImageState;
  /** In the order of the chains. */
  readonly observations: readonly Observation[];
}

/**
 * Checks the snapshot of one file system and reads what it holds of every chain. A clean one is read
 * without any recovery; one that is not is recovered first, like after a crash, so that what it
 * holds is judged apart from how it lies on its disks. Changes the images.
 *
 * @param directory where mount points are made
 */
export async function checkPlace(
  snapshot: PlaceSnapshot,
  chains: readonly Chain[],
  directory: string,
): Promise<PlaceFinding> {
  const { place, type, images } = snapshot;
  if (type === 'btrfs') {
    await giveNewFsid(images);
  }
  const { state, observations } = await checkAsItIs(snapshot, chains, directory);
  if (state.kind !== 'clean') {
    return {
      place,
      state,
      observations: await read(snapshot, chains, directory, 'recovered'),
    };
  }
  const finalState = type === 'xfs' ? await inspectRecoveredXfs(images[0] ?? '', directory) : state;
  return { place, state: finalState, observations };
}

/** The snapshot of a disk without a file system: there is nothing that could need recovery. */
export async function checkRaw(
  image: string,
  place: number,
  chains: readonly Chain[],
): Promise<PlaceFinding> {
  const observations = await readRaw(image, place, chains);
  return { place, state: { kind: 'clean' }, observations };
}

async function checkAsItIs(
  snapshot: PlaceSnapshot,
  chains: readonly Chain[],
  directory: string,
): Promise<Omit<PlaceFinding, 'place'>> {
  const state = await inspectAttached(snapshot);
  if (state.kind !== 'clean') {
    return { state, observations: [] };
  }
  return { state, observations: await read(snapshot, chains, directory, 'as-it-is') };
}

async function inspectAttached({ type, images }: PlaceSnapshot): Promise<ImageState> {
  await using attached = await AttachedImages.attach(images, 'as-it-is');
  return await inspect(type, attached.devices);
}

/** Where it cannot be mounted, every chain is damaged there. */
async function read(
  { place, type, images }: PlaceSnapshot,
  chains: readonly Chain[],
  directory: string,
  mode: MountMode,
): Promise<readonly Observation[]> {
  await using attached = await AttachedImages.attach(images, mode);
  try {
    await using mounted = await MountedSnapshot.mount(type, attached.devices, mode, directory);
    return chains.map(({ number }) => readHolding(mounted.mountPoint, place, number));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return chains.map(() => ({ place, appended: [], slots: new Map(), damage: [reason] }));
  }
}
