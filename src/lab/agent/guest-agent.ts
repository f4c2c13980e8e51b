import { rm, writeFile } from 'node:fs/promises';
import { collectEvents, type EventReport } from './event-report.ts';
import {
  carryOver,
  type EnvironmentStyle,
  type ExtensionFolders,
  extensionFolders,
  prepareFolders,
  readText,
  USUAL_STYLE,
} from './extension-folders.ts';
import type { Guest } from './guest.ts';
import { type CommandOutcome, runHandlerCommand } from './handler-command.ts';
import {
  type CommandName,
  type HandlerManifest,
  type HandlerName,
  handlerName,
  unpack,
} from './handler-package.ts';
import { readStatus, type StatusReport } from './status-report.ts';

/** What the service wants: this version of the extension, with these settings. */
export interface GoalState {
  /** Of the zip, in the lab. */
  readonly packagePath: string;
  readonly sequenceNumber: number;
  /** Text of `<sequenceNumber>.settings`. */
  readonly settings: string;
}

/** What the agent did for a goal state. */
export interface GoalStateOutcome {
  /** In the order in which they ran. */
  readonly commands: readonly CommandOutcome[];
  readonly handler: HandlerState;
}

/** `unresponsive` and `installing` states of a real agent are not modelled. */
export type HandlerState = 'ready' | 'notReady' | 'notInstalled' | 'removed';

export interface AgentOptions {
  readonly style?: EnvironmentStyle;
  /** Beside PATH and LANG; e.g. NODE_EXTRA_CA_CERTS, as a drop-in of the agent's service would give it. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: an address where no host service answers. */
  readonly wireProtocolAddress?: string;
}

/** Return code of a command that was not run. */
const NOT_RUN = 'NOT_RUN';

/**
 * The guest agent, as far as one extension can tell it from the real one. It lives in the lab and
 * reaches into the guest: what it writes lies on the guest's root file system.
 */
export class GuestAgent {
  readonly #guest: Guest;
  readonly #options: AgentOptions;
  /** What commands are run under from now on (see GuestProgram). */
  under: readonly string[] = [];
  #installed: Handler | undefined;
  #sequenceNumber = 0;

  constructor(guest: Guest, options: AgentOptions = {}) {
    this.#guest = guest;
    this.#options = options;
  }

  /** Of the installed version. Throws if there is none. */
  get folders(): ExtensionFolders {
    if (this.#installed === undefined) {
      throw new Error('no extension is installed');
    }
    return this.#installed.folders;
  }

  /** Makes the guest what the goal state says; also on every repetition of the same one. */
  async apply(goal: GoalState): Promise<GoalStateOutcome> {
    this.#sequenceNumber = goal.sequenceNumber;
    const wanted = handlerName(goal.packagePath);
    const installed = this.#installed;
    if (installed?.name.version === wanted.version) {
      await this.#writeSettings(installed, goal);
      return await this.#enable(installed, []);
    }
    const handler = await this.#unpack(goal.packagePath, wanted);
    await this.#writeSettings(handler, goal);
    return installed === undefined
      ? await this.#installAnew(handler)
      : await this.#upgrade(installed, handler);
  }

  /** Runs enable of the installed version, writing no settings, beside whatever else is going on. */
  async enableAgain(sequenceNumber = this.#sequenceNumber): Promise<CommandOutcome> {
    this.#sequenceNumber = sequenceNumber;
    return await this.#run(this.#require(), 'enable');
  }

  /** The extension is no longer wanted. */
  async remove(): Promise<GoalStateOutcome> {
    const handler = this.#require();
    this.#sequenceNumber = 0;
    const disabled = await this.#run(handler, 'disable');
    if (disabled.exitCode !== 0) {
      return { commands: [disabled], handler: 'notReady' };
    }
    const uninstalled = await this.#run(handler, 'uninstall');
    await this.forget();
    return { commands: [disabled, uninstalled], handler: 'removed' };
  }

  /** Deletes the directory of an extension that no goal state names any more. */
  async forget(): Promise<void> {
    const { folders } = this.#require();
    this.#installed = undefined;
    await rm(this.#guest.path(folders.directory), { recursive: true, force: true });
  }

  /** What it reports for the extension now. */
  async report(): Promise<StatusReport> {
    return readStatus(await this.statusText());
  }

  /** The current status file as it is; undefined if there is none. */
  async statusText(): Promise<string | undefined> {
    return await readText(this.#guest.path(this.folders.status, `${this.#sequenceNumber}.status`));
  }

  /** Takes the events out of their folder. */
  async collectEvents(): Promise<EventReport> {
    return await collectEvents(this.#guest.path(this.folders.events));
  }

  async #installAnew(handler: Handler): Promise<GoalStateOutcome> {
    const installed = await this.#run(handler, 'install');
    if (installed.exitCode !== 0) {
      return { commands: [installed], handler: 'notInstalled' };
    }
    this.#installed = handler;
    return await this.#enable(handler, [installed]);
  }

  /** To another version; to an older one, update is the newer one's, and the older one stands in both variables. */
  async #upgrade(old: Handler, handler: Handler): Promise<GoalStateOutcome> {
    const commands: CommandOutcome[] = [];
    const { version } = handler.name;
    const goesBack = isOlder(version, old.name.version);
    const codes = { disable: NOT_RUN, uninstall: NOT_RUN };
    const updating = (): Record<string, string> => ({
      AZURE_GUEST_AGENT_UPDATING_FROM_VERSION: goesBack ? version : old.name.version,
      VERSION: version,
      AZURE_GUEST_AGENT_DISABLE_CMD_EXIT_CODE: codes.disable,
      AZURE_GUEST_AGENT_UNINSTALL_CMD_EXIT_CODE: codes.uninstall,
    });
    const step = async (of: Handler, name: CommandName): Promise<boolean> => {
      const outcome = await this.#run(of, name, updating());
      commands.push(outcome);
      if (name === 'disable' || name === 'uninstall') {
        codes[name] = String(outcome.exitCode ?? -1);
        return outcome.exitCode === 0 || handler.manifest.continueOnUpdateFailure;
      }
      return outcome.exitCode === 0;
    };
    if (!(await step(old, 'disable'))) {
      return { commands, handler: 'notReady' };
    }
    await carryOver(this.#guest, old.folders, handler.folders);
    if (!(await step(goesBack ? old : handler, 'update')) || !(await step(old, 'uninstall'))) {
      return { commands, handler: 'notReady' };
    }
    await rm(this.#guest.path(old.folders.directory), { recursive: true, force: true });
    this.#installed = handler;
    if (handler.manifest.installsOnUpdate && !(await step(handler, 'install'))) {
      return { commands, handler: 'notInstalled' };
    }
    return await this.#enable(handler, commands);
  }

  async #enable(handler: Handler, before: readonly CommandOutcome[]): Promise<GoalStateOutcome> {
    const enabled = await this.#run(handler, 'enable');
    return {
      commands: [...before, enabled],
      handler: enabled.exitCode === 0 ? 'ready' : 'notReady',
    };
  }

  async #unpack(packagePath: string, name: HandlerName): Promise<Handler> {
    const folders = extensionFolders(name);
    const manifest = await unpack(packagePath, this.#guest.path(folders.directory));
    await prepareFolders(this.#guest, name, folders, this.#options.style ?? USUAL_STYLE);
    return { name, folders, manifest };
  }

  async #writeSettings({ folders }: Handler, goal: GoalState): Promise<void> {
    const path = this.#guest.path(folders.config, `${goal.sequenceNumber}.settings`);
    await writeFile(path, goal.settings, { mode: 0o600 });
  }

  async #run(
    { folders, manifest, name }: Handler,
    command: CommandName,
    more: Readonly<Record<string, string>> = {},
  ): Promise<CommandOutcome> {
    const { style = USUAL_STYLE } = this.#options;
    return await runHandlerCommand(this.#guest, {
      name: command,
      command: manifest.commands[command],
      directory: folders.directory,
      under: this.under,
      environment: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'en_US.UTF-8',
        AZURE_GUEST_AGENT_EXTENSION_PATH: folders.directory,
        AZURE_GUEST_AGENT_EXTENSION_VERSION: name.version,
        AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS: this.#options.wireProtocolAddress ?? '127.0.0.1',
        ...(style.tellsSequenceNumber
          ? { ConfigSequenceNumber: String(this.#sequenceNumber) }
          : {}),
        ...more,
        ...this.#options.environment,
      },
    });
  }

  #require(): Handler {
    if (this.#installed === undefined) {
      throw new Error('no extension is installed');
    }
    return this.#installed;
  }
}

/** By number, part for part: 1.0.0.9 is older than 1.0.0.10. */
function isOlder(version: string, than: string): boolean {
  const order = new Intl.Collator('en', { numeric: true });
  return order.compare(version, than) < 0;
}

interface Handler {
  readonly name: HandlerName;
  readonly folders: ExtensionFolders;
  readonly manifest: HandlerManifest;
}
