import { join } from 'node:path';
import { failureOf, runMeasured } from '../process/measured-process.ts';
import { type Contender, contender } from '../sample.ts';
import { CURL_AT_ONCE, curlConfiguration } from './snapshot-requests.ts';
import { thawingBehind } from './thaw-watchdog.ts';

const SCRIPT = join(import.meta.dirname, 'fsfreeze-curl.sh');

/** fsfreeze(8) of one file system after the other, `curl --parallel`, and fsfreeze(8) again. */
export function fsfreezeAndCurl(): Contender {
  return contender('fsfreeze + curl', async ({ launcher, mountPoints, urls, caPath }) => {
    const requests = curlConfiguration(urls, caPath);
    const command = ['sh', SCRIPT, ...mountPoints, '--', ...CURL_AT_ONCE];
    const run = await thawingBehind(mountPoints, () => runMeasured(launcher, command, requests));
    return run.exitCode === 0
      ? { ok: true, usage: run.usage, own: {} }
      : { ok: false, reason: failureOf(run) };
  });
}
