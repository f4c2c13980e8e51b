import { enterLab, isInsideLab, type LabOptions } from '../namespace.ts';
import { type OptionalCommand, requireLabCommands } from '../requirements.ts';
import { requireGuestImage } from './guest-image.ts';

const COMMANDS: readonly OptionalCommand[] = ['debootstrap', 'gpgv', 'wget', 'tune2fs', 'python3'];

/**
 * `enterLab` for scripts that make guests: before it, outside, where the network is, everything is
 * fetched that a guest is made of. `prepare` is done there too, after that.
 */
export async function enterGuestLab(
  options: LabOptions = {},
  prepare: () => Promise<void> = async () => {},
): Promise<void> {
  // Without root enterLab says what is wrong.
  if (!isInsideLab() && process.getuid?.() === 0) {
    await prepareGuestLab();
    await prepare();
  }
  await enterLab(options);
}

/** What guests are made of; outside the lab. */
export async function prepareGuestLab(): Promise<void> {
  await requireLabCommands(COMMANDS);
  await requireGuestImage();
}
