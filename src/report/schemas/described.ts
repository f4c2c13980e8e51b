import * as v from 'valibot';

/**
 * A schema with the description that `flashfreeze schema` prints of it. The schemas in this folder are the only
 * definition of the JSON outputs: the types are inferred from them, commands such as `report` use them to check the
 * files that they read, and the published JSON schemas are generated from them. A run imports only their types, so
 * that it does not load valibot.
 */
export function described<const Schema extends v.GenericSchema>(
  schema: Schema,
  description: string,
) {
  return v.pipe(schema, v.description(description));
}

/** The type of an output, which is immutable. */
export type OutputOf<Schema extends v.GenericSchema> = Immutable<v.InferOutput<Schema>>;

type Immutable<T> = { readonly [Key in keyof T]: Immutable<T[Key]> };

export function text(description: string) {
  return described(v.string(), description);
}

export function number(description: string) {
  return described(v.number(), description);
}

export function flag(description: string) {
  return described(v.boolean(), description);
}

export function nullable<const Schema extends v.GenericSchema>(
  schema: Schema,
  description: string,
) {
  return described(v.nullable(schema), description);
}

export function list<const Item extends v.GenericSchema>(item: Item, description: string) {
  return described(v.array(item), description);
}
