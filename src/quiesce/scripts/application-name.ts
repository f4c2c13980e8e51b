/** The name of an application whose scripts are run: this word, then the names that the scripts' configurations give. */
const SCRIPTS = 'scripts';

/** `scripts shop`; `scripts` if the configurations name no application. */
export function scriptsName(applications: readonly string[]): string {
  return [SCRIPTS, ...applications].join(' ');
}

/** What follows the word in the name of scripts; undefined if the name is that of a database. */
export function applicationsOfScripts(name: string): string | undefined {
  const [word, ...applications] = name.split(' ');
  return word === SCRIPTS ? applications.join(' ') : undefined;
}
