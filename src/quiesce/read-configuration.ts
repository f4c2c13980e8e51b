import {
  type ConfigurationFault,
  PLUGIN_HOST_PATH,
  type PluginEntry,
  readPluginHost,
  SCRIPT_PLUGIN_PATH,
} from '../config/plugin-host.ts';
import { readScriptPlugin, type ScriptPlugin } from '../config/script-plugin.ts';
import {
  readWorkload,
  WORKLOAD_PATH,
  type Workload,
  type WorkloadFile,
} from '../config/workload.ts';
import { faultOfCredentials, passwordsIn } from './databases/credentials.ts';
import type { ApplicationRules, QuiescePlan, ScriptsPlan } from './quiesce-types.ts';
import { secretsInParameters } from './scripts/secret-parameters.ts';

/** Where the configuration of applications lies. */
export interface QuiescePaths {
  readonly pluginHost: string;
  /** The script configuration of plugins that name none. */
  readonly scriptPlugin: string;
  readonly workload: string;
}

export const QUIESCE_PATHS: QuiescePaths = {
  pluginHost: PLUGIN_HOST_PATH,
  scriptPlugin: SCRIPT_PLUGIN_PATH,
  workload: WORKLOAD_PATH,
};

/**
 * Reads what the machine wants quiesced: the database of workload.conf, else the pre- and post-scripts.
 * Undefined if it wants nothing. Never throws for what stands in the files: what cannot be used is
 * a finding of the plan.
 */
export function readQuiesceConfiguration(
  paths: QuiescePaths,
  rules: ApplicationRules,
): QuiescePlan | undefined {
  const workload = usableWorkload(readWorkload(paths.workload));
  if (workload === undefined) {
    return readScripts(paths);
  }
  const { freezeAfterAppFailure, freezeAfterAppSuccess } = rules;
  return workload.ok
    ? {
        kind: 'database',
        workload,
        freezeAfterAppFailure,
        freezeAfterAppSuccess,
        warnings: workload.warnings,
      }
    : scriptsBeside(workload, paths, freezeAfterAppFailure);
}

/** Refuses a file whose secrets others could read in the process list, in a complaint of the client, or in the file. */
function usableWorkload(file: WorkloadFile): Workload | ConfigurationFault | undefined {
  if (file?.ok !== true) {
    return file;
  }
  const { kind, credentials, path } = file;
  const fault = faultOfCredentials(kind, credentials);
  if (fault !== undefined) {
    return { ok: false, code: 501, message: `${path}: credString ${fault}` };
  }
  return !file.isReadByOthers || passwordsIn(kind, credentials).length === 0
    ? file
    : {
        ok: false,
        code: 501,
        message: `${path} holds a password in credString, and others may read it; chmod go-r`,
      };
}

/** A workload that cannot be used keeps no scripts from being run; it is told with what they come to. */
function scriptsBeside(
  fault: ConfigurationFault,
  paths: QuiescePaths,
  tolerated: boolean,
): QuiescePlan {
  const scripts = readScripts(paths);
  const own = refused(fault, tolerated);
  return scripts === undefined || !('findings' in scripts) || !('findings' in own)
    ? own
    : { ...scripts, findings: [...own.findings, ...scripts.findings] };
}

/** The passwords in it, and the parameters of scripts that may be some, for the redaction of all that leaves the process. */
export function secretsOf(plan: QuiescePlan | undefined): readonly string[] {
  switch (plan?.kind) {
    case 'database':
      return passwordsIn(plan.workload.kind, plan.workload.credentials);
    case 'scripts':
      return plan.plugins.flatMap(({ pre, post }) =>
        secretsInParameters([...pre.parameters, ...post.parameters]),
      );
    case 'refused':
    case undefined:
      return [];
  }
}

function refused({ code, message }: ConfigurationFault, tolerated: boolean): QuiescePlan {
  return { kind: 'refused', findings: [{ code, message, tolerated }], warnings: [] };
}

/** A plugin as its own configuration describes it. */
type ReadPlugin = PluginEntry & { readonly plugin: ScriptPlugin | ConfigurationFault };

function readScripts(paths: QuiescePaths): QuiescePlan | undefined {
  const host = readPluginHost(paths.pluginHost, paths.scriptPlugin);
  if (!host.ok) {
    return refused(host, true);
  }
  const read = host.plugins
    .map((entry): ReadPlugin => ({ ...entry, plugin: readScriptPlugin(entry.configPath) }))
    .filter((entry) => !isAbsentByDefault(entry, paths.scriptPlugin));
  if (read.length === 0) {
    return undefined;
  }
  const plugins = read.flatMap(({ plugin, configPath }) =>
    plugin.ok ? [{ ...plugin, configPath }] : [],
  );
  const freezeFileSystems = plugins.every((plugin) => plugin.freezeFileSystems);
  // Whether to continue is set in the file that cannot be used: the default applies if it can.
  const findings = read.flatMap(({ plugin }) =>
    plugin.ok ? [] : [{ code: plugin.code, message: plugin.message, tolerated: freezeFileSystems }],
  );
  return {
    kind: 'scripts',
    plugins,
    hostTimeoutMs: host.timeoutMs,
    freezeFileSystems,
    findings,
    warnings: [...host.warnings, ...plugins.flatMap((plugin) => plugin.warnings)],
  } satisfies ScriptsPlan;
}

/**
 * Other tools install a host configuration that names the usual path on every machine, whether or not
 * scripts were put there: then nothing is quiesced. Elsewhere a missing file is a mistake.
 */
function isAbsentByDefault({ configPath, plugin }: ReadPlugin, usualPath: string): boolean {
  return configPath === usualPath && !plugin.ok && plugin.code === 316;
}
