import { trustMachineAuthorities } from '../http/authorities.ts';

/** The library of the Blob service, which makes its TLS connections by the defaults of this thread. Loading it takes half a second. */
export async function storageLibrary(): Promise<typeof import('@azure/storage-blob')> {
  trustMachineAuthorities();
  return await import('@azure/storage-blob');
}
