import { FlashfreezeError } from '../../errors.ts';
import { isBlank, isJsonObject, member, parseJson } from '../../system/json.ts';

/** What a settings file holds (agent-contract.md, Settings and sequence). */
export interface HandlerSettings {
  /** Undefined if there are none. */
  readonly publicSettings: unknown;
  readonly protectedSettings: ProtectedPart;
}

export type ProtectedPart =
  | {
      readonly kind: 'encrypted';
      /** CMS enveloped data, base64. */
      readonly cms: string;
      /** Names the certificate; undefined if the file does not. */
      readonly thumbprint: string | undefined;
    }
  /** Not encrypted, so secret. */
  | { readonly kind: 'plain'; readonly value: unknown }
  | { readonly kind: 'none' };

const NO_SETTINGS: HandlerSettings = {
  publicSettings: undefined,
  protectedSettings: { kind: 'none' },
};

/**
 * Reads the text of a settings file. Empty text means that there are no settings, and so does a file
 * without `runtimeSettings`.
 *
 * @throws FlashfreezeError FF_SETTINGS_INVALID: not JSON, or not of the agent's form
 */
export function parseHandlerSettings(text: string): HandlerSettings {
  if (isEmptyText(text)) {
    return NO_SETTINGS;
  }
  const root = first(parseJson(text, 'the settings file'), 'the settings file');
  const runtime = first(member(root, 'runtimeSettings'), 'runtimeSettings');
  const settings = first(member(runtime, 'handlerSettings'), 'handlerSettings');
  return {
    publicSettings: publicPart(member(settings, 'publicSettings')),
    protectedSettings: protectedPart(
      member(settings, 'protectedSettings'),
      member(settings, 'protectedSettingsCertThumbprint'),
    ),
  };
}

/** A file that was extended but not written, as after a power cut, reads as NUL characters. */
function isEmptyText(text: string): boolean {
  return /^[\s\ufeff\0]*$/.test(text);
}

/** The object, or the first of an array of them; undefined if there is none. */
function first(value: unknown, label: string): unknown {
  const one: unknown = Array.isArray(value) ? value[0] : value;
  if (isBlank(one) || isJsonObject(one)) {
    return isBlank(one) ? undefined : one;
  }
  throw invalid(`${label} must be an object, or an array of one`);
}

function publicPart(value: unknown): unknown {
  if (isBlank(value)) {
    return undefined;
  }
  const settings = typeof value === 'string' ? parseJson(value, 'publicSettings') : value;
  if (!isJsonObject(settings)) {
    throw invalid('publicSettings must be an object');
  }
  return settings;
}

function protectedPart(value: unknown, thumbprint: unknown): ProtectedPart {
  if (isBlank(value)) {
    return { kind: 'none' };
  }
  if (typeof value === 'string') {
    const isNamed = typeof thumbprint === 'string' && !isBlank(thumbprint);
    return { kind: 'encrypted', cms: value, thumbprint: isNamed ? thumbprint : undefined };
  }
  if (isJsonObject(value)) {
    return { kind: 'plain', value };
  }
  throw invalid('protectedSettings must be base64 text, an object or null');
}

function invalid(problem: string): FlashfreezeError {
  return new FlashfreezeError('FF_SETTINGS_INVALID', `${problem} in the agent's settings file.`);
}
