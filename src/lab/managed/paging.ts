import type { ArmRequest } from './snapshot-service.ts';

/** One page of a list, with the link to the next one if there is one. */
export function pageOf(
  { target, query, base }: Pick<ArmRequest, 'target' | 'query' | 'base'>,
  resources: readonly unknown[],
  pageSize: number,
): unknown {
  const from = Number(query.get('$skiptoken') ?? 0);
  const to = from + pageSize;
  const next = new URLSearchParams({
    'api-version': query.get('api-version') ?? '',
    $skiptoken: String(to),
  });
  return {
    value: resources.slice(from, to),
    ...(to < resources.length ? { nextLink: `${base}${target.path}?${next}` } : {}),
  };
}
