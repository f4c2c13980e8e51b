import { type HandlerIdentity, handlerName } from './options.ts';

/** The shim's name in the payload. */
export const SHIM = 'flashfreeze';

/** HandlerManifest.json: which command the guest agent runs when (agent-contract.md, The package). */
export function handlerManifest(handler: HandlerIdentity): string {
  const command = (name: string): string => `${SHIM} extension ${name}`;
  const manifest = [
    {
      name: handlerName(handler),
      version: handler.version,
      handlerManifest: {
        installCommand: command('install'),
        uninstallCommand: command('uninstall'),
        updateCommand: command('update'),
        enableCommand: command('enable'),
        disableCommand: command('disable'),
        rebootAfterInstall: false,
        reportHeartbeat: false,
        updateMode: 'UpdateWithInstall',
        // A broken old version must not block the update that repairs it.
        continueOnUpdateFailure: true,
        supportsMultipleExtensions: false,
      },
    },
  ];
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** manifest.xml: how the image is published. Names and version have no character that XML escapes. */
export function imageManifest({ publisher, type, version }: HandlerIdentity): string {
  const elements = [
    ['ProviderNameSpace', publisher],
    ['Type', type],
    ['Version', version],
    ['Label', 'flashfreeze'],
    ['HostingResources', 'VmRole'],
    ['MediaLink', ''],
    ['Description', 'Consistent snapshots of every disk of a Linux VM'],
    ['IsInternalExtension', 'true'],
    ['IsJsonExtension', 'true'],
    ['SupportedOS', 'Linux'],
  ] as const;
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<ExtensionImage xmlns="http://schemas.microsoft.com/windowsazure">',
    ...elements.map(([name, text]) => `  <${name}>${text}</${name}>`),
    '</ExtensionImage>',
    '',
  ].join('\n');
}
