import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../src/lab/run-command.ts';

/** Opens a URL in a headless browser with a profile of its own; returns what the browser prints. */
export async function browseUrl(
  url: string,
  width: number,
  args: readonly string[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-browser-'));
  try {
    return await runCommand('chromium', [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      ...[`--user-data-dir=${join(folder, 'profile')}`, `--window-size=${width},1200`],
      ...['--hide-scrollbars', ...args, url],
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Opens a page of which only the text is there. */
export async function browse(
  page: string,
  width: number,
  args: readonly string[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-page-'));
  try {
    const file = join(folder, 'page.html');
    await writeFile(file, page);
    return await browseUrl(`file://${file}`, width, args);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
