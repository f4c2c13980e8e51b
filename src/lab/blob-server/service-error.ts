const MESSAGES: Readonly<Record<string, string>> = {
  AuthenticationFailed:
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
  AuthorizationPermissionMismatch:
    'This request is not authorized to perform this operation using this permission.',
  BlobAlreadyExists: 'The specified blob already exists.',
  BlobNotFound: 'The specified blob does not exist.',
  ContainerNotFound: 'The specified container does not exist.',
  InternalError: 'The server encountered an internal error. Please retry the request.',
  InvalidHeaderValue: 'The value for one of the HTTP headers is not in the correct format.',
  InvalidRange: 'The range specified is invalid for the current size of the resource.',
  MissingContentLengthHeader: 'Content-Length HTTP header is missing.',
  NoAuthenticationInformation:
    'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  OperationTimedOut: 'Operation could not be completed within the permitted time.',
  ServerBusy: 'The server is busy.',
  SnapshotCountExceeded: 'The snapshot count against this blob has been exceeded.',
  SnapshotOperationRateExceeded: 'The rate of snapshot blob calls is exceeded.',
  UnsupportedHttpVerb: "The resource doesn't support the specified HTTP verb.",
};

/** An answer of the service other than success: status and `x-ms-error-code`. */
export class ServiceError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string | undefined;

  constructor(status: number, code: string, detail?: string) {
    super(MESSAGES[code] ?? code);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}
