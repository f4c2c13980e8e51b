/** The lab's own tmpfs: images, mount points, certificates. */
export const LAB_DIRECTORY = '/lab';

/** Where the lab keeps its own certificate authority and the certificate of its servers (PEM). */
export const LAB_TLS = {
  caCertificate: '/lab/tls/ca.pem',
  /** For 127.0.0.1, ::1 and localhost; the authority's certificate is not in it. */
  certificate: '/lab/tls/server.pem',
  key: '/lab/tls/server.key',
} as const;
