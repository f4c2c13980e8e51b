import { Argument, type Command } from 'commander';
import doctor from '../report/schemas/json/doctor.schema.json' with { type: 'json' };
import freeze from '../report/schemas/json/freeze.schema.json' with { type: 'json' };
import plan from '../report/schemas/json/plan.schema.json' with { type: 'json' };
import run from '../report/schemas/json/run.schema.json' with { type: 'json' };
import snapshot from '../report/schemas/json/snapshot.schema.json' with { type: 'json' };
import list from '../report/schemas/json/snapshots-list.schema.json' with { type: 'json' };
import prune from '../report/schemas/json/snapshots-prune.schema.json' with { type: 'json' };
import verify from '../report/schemas/json/snapshots-verify.schema.json' with { type: 'json' };

/** Of what each command prints with --json; `run` is what a run leaves in the log folder. */
export const JSON_SCHEMAS: Readonly<Record<string, object>> = {
  snapshot,
  freeze,
  plan,
  doctor,
  run,
  'snapshots-list': list,
  'snapshots-verify': verify,
  'snapshots-prune': prune,
};

export function addSchemaCommand(program: Command): void {
  program
    .command('schema')
    .description('Print the JSON schema of what a command prints with --json')
    .addArgument(new Argument('<output>', 'whose').choices(Object.keys(JSON_SCHEMAS)))
    .action((output: string) => {
      process.stdout.write(`${JSON.stringify(JSON_SCHEMAS[output], null, 2)}\n`);
    });
}
