import { Option } from 'commander';

// Options that several commands have, each in one wording.

export function containerFileOption(): Option {
  return new Option(
    '--container-from <file>',
    'file to read the URLs of the containers from, one per line (- for standard input)',
  );
}

export function resourceGroupOption(): Option {
  return new Option(
    '--resource-group <name>',
    'resource group of the snapshots of managed disks (default: that of this VM)',
  );
}

export function identityOption(): Option {
  return new Option(
    '--identity <client-id>',
    'client id of the user-assigned identity to use (default: the only identity of the VM)',
  );
}
