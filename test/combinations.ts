type Choices = Readonly<Record<string, readonly unknown[]>>;
type Choice<C extends Choices> = { readonly [Name in keyof C]: C[Name][number] };

/** Every way to choose one of each. */
export function combinationsOf<const C extends Choices>(choices: C): Choice<C>[] {
  let found: Readonly<Record<string, unknown>>[] = [{}];
  for (const [name, values] of Object.entries(choices)) {
    found = found.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  return found as Choice<C>[];
}
