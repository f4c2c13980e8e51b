import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WORKLOAD_PATH } from '../../../src/config/workload.ts';
import type { QuiescePaths } from '../../../src/quiesce/read-configuration.ts';

/** A directory of root's for scripts and their configuration; only inside the lab, which removes it. */
export class ScriptFiles {
  readonly directory: string;

  constructor() {
    this.directory = mkdtempSync('/lab/scripts-');
    chmodSync(this.directory, 0o755);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** A file that the scripts write to, one word a line. */
  get trace(): string {
    return this.path('trace');
  }

  /** @returns its path */
  script(name: string, body: string, mode = 0o700): string {
    const path = this.path(name);
    writeFileSync(path, `#!/bin/sh\ntrace() { echo "$*" >> ${this.trace}; }\n${body}\n`);
    chmodSync(path, mode);
    return path;
  }

  /** @returns its path */
  plugin(name: string, members: Readonly<Record<string, unknown>>, mode = 0o600): string {
    const path = this.path(name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, JSON.stringify(members));
    chmodSync(path, mode);
    return path;
  }

  /** A host configuration of these plugins. @returns where everything lies */
  host(pluginPaths: readonly string[], lines = ''): QuiescePaths {
    const plugins = pluginPaths.map(
      (path, index) => `pluginName${index}=p${index}\npluginConfigPath${index}=${path}\n`,
    );
    const pluginHost = this.path('host.conf');
    const count = `numberOfPlugins=${pluginPaths.length}`;
    writeFileSync(pluginHost, `[pre_post]\n${count}\n${plugins.join('')}${lines}\n`);
    chmodSync(pluginHost, 0o644);
    return { pluginHost, scriptPlugin: this.path('none.json'), workload: WORKLOAD_PATH };
  }

  /** One plugin that traces `pre` and `post`, changed by `members`. */
  usual(members: Readonly<Record<string, unknown>> = {}, name = 'plugin.json'): string {
    return this.plugin(name, {
      preScriptLocation: this.script('pre.sh', 'trace pre "$@"'),
      postScriptLocation: this.script('post.sh', 'trace post "$@"'),
      ...members,
    });
  }
}
