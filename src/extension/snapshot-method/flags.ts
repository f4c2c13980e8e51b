import type { TaskSettings } from '../task-types.ts';

/** Flags come as text, which may be empty; a text other than true and false is passed on unchanged. */
export function flagOf({ dynamicConfigs }: TaskSettings, name: string): boolean | string {
  const [, value = ''] = dynamicConfigs.find(([key]) => key === name) ?? [];
  switch (value.toLowerCase()) {
    case 'true':
      return true;
    case '':
    case 'false':
      return false;
    default:
      return value;
  }
}
