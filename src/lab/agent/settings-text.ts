import type { Cipher, TransportCertificate } from './transport-certificate.ts';

export interface HandlerSettings {
  readonly publicSettings: Readonly<Record<string, unknown>>;
  readonly protectedSettings: ProtectedSettings;
}

export type ProtectedSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'encrypted'; readonly value: unknown; readonly cipher?: Cipher }
  /** Not encrypted, as an agent without certificate hands them on. */
  | { readonly kind: 'plain'; readonly value: unknown }
  /** Whatever is to stand in the file, good or bad. */
  | { readonly kind: 'raw'; readonly text: unknown; readonly thumbprint?: string };

/** The text of a `<n>.settings` file. */
export async function settingsText(
  { publicSettings, protectedSettings }: HandlerSettings,
  certificate: TransportCertificate,
): Promise<string> {
  const handlerSettings = {
    publicSettings,
    ...(await protectedFields(protectedSettings, certificate)),
  };
  return JSON.stringify({ runtimeSettings: [{ handlerSettings }] });
}

async function protectedFields(
  settings: ProtectedSettings,
  certificate: TransportCertificate,
): Promise<Record<string, unknown>> {
  switch (settings.kind) {
    case 'none':
      return { protectedSettings: null };
    case 'plain':
      return { protectedSettings: settings.value };
    case 'encrypted':
      return {
        protectedSettings: await certificate.encrypt(
          JSON.stringify(settings.value),
          settings.cipher,
        ),
        protectedSettingsCertThumbprint: certificate.thumbprint,
      };
    case 'raw':
      return {
        protectedSettings: settings.text,
        ...(settings.thumbprint === undefined
          ? {}
          : { protectedSettingsCertThumbprint: settings.thumbprint }),
      };
  }
}
