import { deadlineIn } from '../../system/stamps.ts';
import { courseAfter } from '../decision.ts';
import type {
  ApplicationRecord,
  Finding,
  MarkDone,
  PendingScript,
  PlannedPlugin,
  QuiesceCircumstances,
  QuiescedApplication,
  ScriptsPlan,
} from '../quiesce-types.ts';
import { scriptsName } from './application-name.ts';
import {
  openStep,
  remarksOn,
  runStep,
  type ScriptFailure,
  type ScriptStep,
} from './script-step.ts';

/** A plugin whose two scripts were checked and opened. */
interface OpenedPlugin {
  readonly plugin: PlannedPlugin;
  readonly pre: ScriptStep;
  readonly post: ScriptStep;
}

/**
 * Runs all pre-scripts side by side. Both scripts of every plugin are checked and opened before the first
 * is run; a plugin of which one cannot be used is left out with both. What was begun owes its post-script,
 * whatever becomes of the rest.
 */
export async function quiesceByScripts(
  plan: ScriptsPlan,
  { abort, note, addPending }: QuiesceCircumstances,
): Promise<QuiescedApplication> {
  const opened = new OpenedPlugins(plan);
  const pending = await addPending(opened.pending());
  const run = new ScriptsRun(plan, opened, pending, note);
  try {
    await run.runPreScripts(abort);
    return run;
  } catch (error) {
    await run.resume();
    throw error;
  }
}

class OpenedPlugins {
  readonly usable: readonly OpenedPlugin[];
  readonly findings: readonly Finding[];

  constructor({ plugins, hostTimeoutMs, findings }: ScriptsPlan) {
    const tolerates = toleranceOf(plugins);
    const results = plugins.map((plugin) => openPlugin(plugin, hostTimeoutMs));
    this.usable = results.flatMap((it) => ('failures' in it ? [] : [it]));
    this.findings = [
      ...findings,
      ...results.flatMap((it) =>
        'failures' in it ? it.failures.map((each) => findingOf(it.plugin, each, tolerates)) : [],
      ),
    ];
  }

  pending(): PendingScript[] {
    return this.usable.map(pendingOf);
  }
}

function pendingOf({ plugin, pre, post: { command, timeoutMs } }: OpenedPlugin): PendingScript {
  const { path, parameters, retries } = command;
  return {
    ...{ kind: 'post-script', path, retries, preScript: pre.command.path, timeoutMs },
    ...(parameters.length === 0 ? {} : { configPath: plugin.configPath }),
  };
}

class ScriptsRun implements QuiescedApplication {
  readonly #plan: ScriptsPlan;
  readonly #opened: OpenedPlugins;
  readonly #markDone: MarkDone;
  readonly #note: (message: string) => void;
  readonly #tolerates: (plugin: PlannedPlugin) => boolean;
  readonly #findings: Finding[];
  readonly #fromNs = process.hrtime.bigint();
  #toNs: bigint | undefined;
  #resuming: Promise<void> | undefined;

  constructor(
    plan: ScriptsPlan,
    opened: OpenedPlugins,
    markDone: MarkDone,
    note: (message: string) => void,
  ) {
    this.#plan = plan;
    this.#opened = opened;
    this.#markDone = markDone;
    this.#note = note;
    this.#tolerates = toleranceOf(plan.plugins);
    this.#findings = [...opened.findings];
  }

  get course(): QuiescedApplication['course'] {
    return courseAfter(this.#findings, this.#plan.freezeFileSystems);
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  async runPreScripts(abort: AbortSignal): Promise<void> {
    await this.#runAll('pre', abort);
  }

  resume(isThawed = true): Promise<void> {
    this.#resuming ??= this.#resume(isThawed);
    return this.#resuming;
  }

  record(): ApplicationRecord {
    const applications = this.#plan.plugins.flatMap(({ appName }) => appName || []);
    const toNs = this.#toNs;
    return {
      name: scriptsName(applications),
      findings: this.#findings,
      held:
        toNs === undefined || this.#opened.usable.length === 0
          ? undefined
          : { fromNs: this.#fromNs, toNs },
    };
  }

  async #resume(isThawed: boolean): Promise<void> {
    const failed = await this.#runAll('post', undefined);
    this.#toNs = process.hrtime.bigint();
    for (const { pre, post } of this.#opened.usable) {
      pre[Symbol.dispose]();
      post[Symbol.dispose]();
    }
    // A script may have failed because it wrote to what is still frozen.
    await this.#markDone(isThawed ? [] : failed.map(pendingOf));
  }

  /** @returns the plugins whose script failed */
  async #runAll(
    kind: 'pre' | 'post',
    abort: AbortSignal | undefined,
  ): Promise<readonly OpenedPlugin[]> {
    const hostDeadlineNs = deadlineIn(this.#plan.hostTimeoutMs);
    const results = await Promise.all(
      this.#opened.usable.map(async (opened) => ({
        opened,
        failure: await runStep(opened[kind], { hostDeadlineNs, abort, note: this.#note }),
      })),
    );
    return results.flatMap(({ opened, failure }) => {
      if (failure === undefined) {
        return [];
      }
      this.#findings.push(findingOf(opened.plugin, failure, this.#tolerates));
      return [opened];
    });
  }
}

/** The scripts of a plan as a run would find them. */
export interface ScriptsLook {
  /** Of those that can be run. */
  readonly paths: readonly string[];
  /** As a run would have them, those of the plan included. */
  readonly findings: readonly Finding[];
  /** What is wrong with scripts that can be run, as sentences with the remedy. */
  readonly remarks: readonly string[];
}

/** Checks and opens every script, and runs none. */
export function lookAtScripts(plan: ScriptsPlan): ScriptsLook {
  const { usable, findings } = new OpenedPlugins(plan);
  const steps = usable.flatMap(({ pre, post }) => [pre, post]);
  const remarks = steps.flatMap(remarksOn);
  for (const step of steps) {
    step[Symbol.dispose]();
  }
  return { paths: steps.map(({ command }) => command.path), findings, remarks };
}

function openPlugin(
  plugin: PlannedPlugin,
  hostTimeoutMs: number,
): OpenedPlugin | { readonly plugin: PlannedPlugin; readonly failures: readonly ScriptFailure[] } {
  const timeoutMs = Math.min(plugin.timeoutMs, hostTimeoutMs);
  const pre = openStep('pre', plugin.pre, timeoutMs);
  const post = openStep('post', plugin.post, timeoutMs);
  if (pre.ok && post.ok) {
    return { plugin, pre, post };
  }
  for (const step of [pre, post]) {
    if (step.ok) {
      step[Symbol.dispose]();
    }
  }
  return { plugin, failures: [pre, post].filter((step) => !step.ok) };
}

/** Without a freeze there is nothing that a snapshot without its scripts could be worth. */
function toleranceOf(plugins: readonly PlannedPlugin[]): (plugin: PlannedPlugin) => boolean {
  const freezes = plugins.every(({ freezeFileSystems }) => freezeFileSystems);
  return ({ continueBackupOnFailure }) => freezes && continueBackupOnFailure;
}

function findingOf(
  plugin: PlannedPlugin,
  { code, message }: ScriptFailure,
  tolerates: (plugin: PlannedPlugin) => boolean,
): Finding {
  return { code, message: `${plugin.configPath}: ${message}`, tolerated: tolerates(plugin) };
}
