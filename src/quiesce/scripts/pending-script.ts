import { readScriptPlugin, type ScriptCommand } from '../../config/script-plugin.ts';
import { Redaction } from '../../log/redaction.ts';
import { deadlineIn } from '../../system/stamps.ts';
import type { CleanupResult, PendingScript, PendingScriptAsBefore } from '../quiesce-types.ts';
import { openStep, runStep, type ScriptFailure } from './script-step.ts';
import { secretsInParameters } from './secret-parameters.ts';
import { awaitSurvivingScripts, endSurvivingScripts } from './surviving-script.ts';

type AnyPendingScript = PendingScript | PendingScriptAsBefore;

export interface Cleared {
  readonly pending: AnyPendingScript;
  /** What became of the scripts that still ran, as parts of a sentence. */
  readonly done: readonly string[];
}

/**
 * Resolves when neither script of a dead run still runs. The pre-script is ended: if it went on behind the post-script, the
 * application would stay quiesced. An earlier copy of the post-script does what is wanted, so it gets its time. (If one file
 * is both, nothing tells which of them runs.)
 */
export async function clearSurvivors(pending: AnyPendingScript): Promise<Cleared> {
  const { preScript, timeoutMs } = pending;
  const ended = preScript === undefined ? 0 : await endSurvivingScripts(preScript);
  const end = await awaitSurvivingScripts(pathOf(pending), timeoutMs);
  return {
    pending,
    done: [
      ...(ended === 0 ? [] : [`ended the pre-script ${preScript}, which still ran`]),
      ...(end === 'awaited' ? ['waited for an earlier start of the post-script to end'] : []),
      ...(end === 'ended'
        ? [
            `ended an earlier start of the post-script, which still ran after ${timeoutMs / 1_000} s`,
          ]
        : []),
    ],
  };
}

function pathOf(pending: AnyPendingScript): string {
  return pending.kind === 'script' ? pending.command.path : pending.path;
}

/**
 * Runs a post-script that a dead run has left undone, with the parameters that its configuration gives it now. Without
 * them it is not run: it could do something else. It then stays pending, and every command says so.
 *
 * To be called when its survivors are cleared.
 *
 * @param note hears what it prints
 */
export async function runPendingScript(
  { pending, done }: Cleared,
  note: (message: string) => void,
): Promise<CleanupResult> {
  const redaction = new Redaction();
  const before = done.map((it) => `${it}, and `).join('');
  const command = commandOf(pending);
  if (typeof command === 'string') {
    return { sentence: `${before}${command}; the next command will retry`, left: pending };
  }
  secretsInParameters(command.parameters).forEach((secret) => {
    redaction.add(secret);
  });
  const failure = await run(command, pending.timeoutMs, (text) => note(redaction.redact(text)));
  return failure === undefined
    ? {
        sentence: `${before}ran the post-script ${command.path}, which that run had left undone`,
        left: undefined,
      }
    : {
        sentence: `the post-script ${command.path}, which that run had left undone, failed: ${failure.message} (${failure.code}); the next command will retry`,
        left: pending,
      };
}

/** The script with its parameters, or a sentence that says why they are not known. */
function commandOf(pending: AnyPendingScript): ScriptCommand | string {
  if (pending.kind === 'script') {
    return pending.command;
  }
  const { path, retries, configPath } = pending;
  if (configPath === undefined) {
    return { path, retries, parameters: [] };
  }
  const plugin = readScriptPlugin(configPath);
  if (plugin.ok && plugin.post.path === path) {
    return { path, retries, parameters: plugin.post.parameters };
  }
  const reason = plugin.ok
    ? `${configPath} names another post-script now`
    : `${plugin.message} (${plugin.code})`;
  return `cannot run the post-script ${path}, which that run had left undone, so the application may still be quiesced: its parameters are in ${configPath} only, and ${reason}; let that file name the script with its parameters again, or run the script yourself and delete the note of it`;
}

async function run(
  command: ScriptCommand,
  timeoutMs: number,
  note: (message: string) => void,
): Promise<ScriptFailure | undefined> {
  const step = openStep('post', command, timeoutMs);
  if (!step.ok) {
    return step;
  }
  using opened = step;
  const hostDeadlineNs = deadlineIn(timeoutMs * (command.retries + 1));
  return await runStep(opened, { hostDeadlineNs, abort: undefined, note });
}
