/** Whether it is an S3 store that answers: a guest network, a proxy or a web server answers too, and SDKs take that for an empty bucket. Pure. */

export interface Answer {
  /** The SDK's name of what was asked, such as `ListObjectsV2Command`. */
  readonly command: string;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Its beginning; empty for an object, which may hold anything. */
  readonly body: string;
}

/** Something answers that is no S3 store. The message says what, without the place. */
export class NotS3 extends Error {
  override readonly name = 'NotS3';
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** So many bytes of a body are looked at. */
export const LOOKED_AT = 4096;

/** What an S3 store answers with begins with this element; an error may come with status 200. */
const elements: Readonly<Record<string, string>> = {
  ListObjectsV2Command: 'ListBucketResult',
  ListMultipartUploadsCommand: 'ListMultipartUploadsResult',
  CreateMultipartUploadCommand: 'InitiateMultipartUploadResult',
  CompleteMultipartUploadCommand: 'CompleteMultipartUploadResult',
};

/** Whether the body of this answer is to be looked at: no object is. */
export function isText(command: string, status: number): boolean {
  return status >= 300 || command in elements;
}

/** Null where it may be a store's. */
export function notS3(answer: Answer): NotS3 | null {
  const { command, status, headers, body } = answer;
  const no = (text: string) => new NotS3(text, status);
  const location = headers['location'];
  const page = isPage(answer);
  if (status >= 300 && status < 400 && location !== undefined && (page || !speaksS3(answer)))
    return no(`a web page answers there, not an S3 store (it sends elsewhere: ${shown(location)})`);
  if (page && status >= 500) return no(`answers ${status} with a web page${title(body)}`);
  if (page) return no(`a web page answers there, not an S3 store (status ${status}${title(body)})`);
  const element = elements[command];
  if (element === undefined || status < 200 || status >= 300) return null;
  // White space and what comes before the root may be long; an empty answer is the SDK's to judge.
  const root = /<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)/.exec(body.replace(/<[?!][^>]*>/g, ''))?.[2];
  if (root === element || root === 'Error' || body.trim() === '') return null;
  const type = headers['content-type'];
  return no(
    `what answers there is not an S3 store (status ${status}${type === undefined ? '' : `, ${shown(type)}`}${root === undefined ? '' : `, <${shown(root)}>`})`,
  );
}

/** An object may be a page, and have its type; then its other headers tell that a store gave it. */
function isPage({ command, status, headers, body }: Answer): boolean {
  if (/^\s*(<!doctype html|<html)/i.test(body)) return true;
  if (!/^text\/html|^application\/xhtml/i.test(headers['content-type'] ?? '')) return false;
  // Servers made of web frameworks give this type to what is S3's, too: only of an object it tells, with no other header of a store's.
  if (command === 'GetObjectCommand' && status < 300)
    return headers['etag'] === undefined && !hasAmzHeader(headers);
  return (
    status >= 300 &&
    command !== 'HeadObjectCommand' &&
    body.trim() !== '' &&
    !/<(\?xml|Error)[\s>]/.test(body)
  );
}

/** A redirect of S3's own names the bucket's region, or is XML. */
function speaksS3({ headers, body }: Answer): boolean {
  return hasAmzHeader(headers) || /<Error[\s>]/.test(body);
}

const hasAmzHeader = (headers: Answer['headers']): boolean =>
  Object.keys(headers).some(name => name.startsWith('x-amz-'));

function title(body: string): string {
  const found = /<title[^>]*>([^<]+)/i.exec(body) ?? /<h1[^>]*>([^<]+)/i.exec(body);
  const text = shown(found?.[1] ?? '');
  return text === '' ? '' : `: "${text}"`;
}

const shown = (text: string): string =>
  text
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .trim()
    .slice(0, 100);
