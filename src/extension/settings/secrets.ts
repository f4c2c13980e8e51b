/** The parts of settings that hold secrets; TaskSettings and ReportSettings are of this form. */
export interface SecretSettings {
  readonly blobs?: readonly { readonly url: string }[];
  readonly logsBlobUri: string | undefined;
  readonly statusBlobUri: string | undefined;
  readonly snapshotTaskToken?: string | undefined;
  readonly metadata?: readonly (readonly [key: string, value: string])[];
}

const SECRET_METADATA = 'diskencryptionsettings';

/**
 * Every secret of a task, for the redaction: the signatures of its SAS URIs (the whole query of one
 * that has no signature), its token, and disk encryption settings.
 */
export function secretsOf(settings: SecretSettings): string[] {
  const { blobs = [], logsBlobUri = '', statusBlobUri = '', snapshotTaskToken = '' } = settings;
  const encryption = (settings.metadata ?? [])
    .filter(([key]) => key.toLowerCase() === SECRET_METADATA)
    .map(([, value]) => value);
  const signatures = [...blobs.map(({ url }) => url), logsBlobUri, statusBlobUri].flatMap(
    secretsOfUri,
  );
  return [...new Set([...signatures, snapshotTaskToken, ...encryption])].filter(
    (secret) => secret !== '',
  );
}

function secretsOfUri(uri: string): string[] {
  const [, query = ''] = /\?([^#]*)/.exec(uri) ?? [];
  const signatures = [...query.matchAll(/(?:^|&)sig=([^&]*)/gi)].map(([, value = '']) => value);
  return signatures.length > 0 ? signatures : [query];
}
