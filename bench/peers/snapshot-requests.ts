/**
 * What curl needs beside its configuration to send all requests at once; its most is 300. Without
 * `--fail-early` its exit code tells of one transfer only.
 */
export const CURL_AT_ONCE = [
  ...['--silent', '--fail-early'],
  ...['--parallel', '--parallel-immediate', '--parallel-max', '300'],
] as const;

/**
 * The snapshot requests of all blobs as a configuration file of curl(1), which it can read on standard
 * input: no secret on a command line.
 *
 * @param urls with their SAS
 * @param caPath of the server's certificate authority; undefined if the machine's are enough
 */
export function curlConfiguration(urls: readonly string[], caPath: string | undefined): string {
  return urls.map((url) => curlRequest(`${url}&comp=snapshot`, caPath)).join('next\n');
}

/** Each begins anew: `next` forgets all options that are not global. */
function curlRequest(url: string, caPath: string | undefined): string {
  return [
    ...['silent', 'show-error', 'fail'],
    `url = "${url}"`,
    'request = "PUT"',
    'header = "Content-Length: 0"',
    'header = "x-ms-version: 2018-03-28"',
    'output = "/dev/null"',
    ...(caPath === undefined ? [] : [`cacert = "${caPath}"`]),
    '',
  ].join('\n');
}
