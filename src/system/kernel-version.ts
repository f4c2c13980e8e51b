/**
 * Whether a kernel is older than a version. Pure.
 *
 * @param release as of uname(2), e.g. `5.15.0-1064-azure`
 */
export function isOlderThan(release: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
