/**
 * How a test asks a service of the lab that runs in a process of its own: calls with an argument and a result, over
 * the IPC channel. The service ends with the process that started it. Each service names its calls in an
 * interface that `Calls` stands for here.
 */
export type CallsOf<Calls> = {
  readonly [Name in keyof Calls]: { readonly argument: unknown; readonly result: unknown };
};

export interface CallRequest {
  readonly id: number;
  readonly call: string;
  readonly argument: unknown;
}

export type CallReply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly message: string };

export type CallHandlers<Calls extends CallsOf<Calls>> = {
  readonly [Name in keyof Calls]: (
    argument: Calls[Name]['argument'],
  ) => Promise<Calls[Name]['result']> | Calls[Name]['result'];
};

/**
 * In the service's process: answers every call, and ends the process when its parent is gone.
 *
 * @param resources what would outlive the process otherwise
 */
export function serveCalls<Calls extends CallsOf<Calls>>(
  handlers: CallHandlers<Calls>,
  resources: AsyncDisposableStack,
): void {
  process.on('message', async (request: CallRequest) => {
    process.send?.(await answer(handlers, request));
  });
  process.on('disconnect', async () => {
    await resources.disposeAsync();
    process.exit(0);
  });
}

async function answer<Calls extends CallsOf<Calls>>(
  handlers: CallHandlers<Calls>,
  { id, call, argument }: CallRequest,
): Promise<CallReply> {
  try {
    const handler = handlers[call as keyof Calls] as (argument: unknown) => unknown;
    return { id, ok: true, result: await handler(argument) };
  } catch (error) {
    return { id, ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
