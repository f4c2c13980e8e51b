import type { Exchange } from './exchange.ts';

const LIMIT_MS = 500;

/**
 * Resolves when the bodies of an exchange that has ended are in, or soon: a refusal ends an exchange with its head, its body
 * says why, and a gateway may never send the whole of it.
 */
export async function bodyIn(exchange: Pick<Exchange, 'whenAllIn'>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LIMIT_MS).unref();
  await Promise.race([exchange.whenAllIn, late]);
  clearTimeout(timer);
}
