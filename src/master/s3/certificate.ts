/** What is wrong where a connection by TLS does not come about, in words. Pure. */

const untrusted =
  'its certificate is not signed by an authority that is trusted here; checkpoint.s3.caBundle names a file with one that is';

const words: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  INVALID_CA: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, by the clock of this machine',
  CERT_REVOKED: 'its certificate was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name than that of checkpoint.s3.endpoint',
};

/** Null for any other error. `code` is what Node calls it, `message` has what OpenSSL says. */
export function tlsProblem(code: string | undefined, message = ''): string | null {
  if (code === undefined) return null;
  const known = words[code];
  if (known !== undefined) return known;
  if (/^(CERT_|ERR_TLS_CERT|UNABLE_TO_|HOSTNAME_)/.test(code)) return 'its certificate cannot be trusted';
  if (code.startsWith('ERR_OSSL_PEM') || code.startsWith('ERR_OSSL_ASN1'))
    return 'checkpoint.s3.caBundle holds a certificate that cannot be read';
  if (/wrong.version.number|packet.length.too.long|http.request/i.test(`${code} ${message}`))
    return 'it does not speak TLS: the endpoint may be http:// and not https://';
  return /^ERR_(SSL|TLS)_/.test(code) || code === 'EPROTO'
    ? 'no connection by TLS comes about with it'
    : null;
}
