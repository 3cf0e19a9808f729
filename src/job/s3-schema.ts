/** `checkpoint.s3`: a bucket that checkpoints are copied to, and who logs in there. `data.s3` has parts of it. */
import { z } from 'zod';
import { s3Defaults } from './s3.ts';
import { described, duration, group, text, whole } from './schema-parts.ts';

const endpointMessage = 'must be a URL such as "http://s3:9000"';
/** No `must`: what is wrong here is not to be repeated. */
const endpointSecret = (group: string) =>
  `holds a user or password: take it out of the URL; credentials come from the environment or a file (${group}.credentials)`;

/** @param group the key that this is a part of */
export const endpoint = (group: string) =>
  z
    .string(endpointMessage)
    .superRefine((value, context) => {
      const url = URL.canParse(value) ? new URL(value) : null;
      const secret =
        (url?.username ?? '') !== '' || (url?.password ?? '') !== '' || /^\w+:\/\/[^/]*@/.test(value);
      const plain = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
      if (secret) context.addIssue({ code: 'custom', message: endpointSecret(group) });
      else if (!plain || /[\s$]/.test(value)) context.addIssue({ code: 'custom', message: endpointMessage });
    })
    .nullable()
    .optional()
    .meta(described('URL of an S3-compatible server. Default: that of AWS in the region.', null));

export const region = text('must be a region such as "us-east-1"', /^[a-z0-9-]+$/);

export const credentials = text('must be a path, or "secret:" and the name of a Compose secret', /^[^$]+$/)
  .refine(value => !/^secret:/.test(value) || /^secret:[a-zA-Z0-9_.-]+$/.test(value), {
    message: 'must be a path, or "secret:" and the name of a Compose secret',
  })
  .nullable()
  .optional()
  .meta(
    described(
      'An AWS credentials file, relative to this file, or "secret:NAME". Default: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment.',
      null,
    ),
  );

/** @param reads what asks there, such as "the master" */
export const caBundle = (reads: string) =>
  text('must be a path to a file of certificates', /^[^$]+$/)
    .nullable()
    .optional()
    .meta(
      described(
        `A file of certificates (PEM), relative to this file: ${reads} trusts a server by these authorities and by no others. Default: AWS_CA_BUNDLE of the environment, otherwise those that are known.`,
        null,
      ),
    );

const prefixMessage =
  'must be a path such as "team/runs": letters, digits and "!_.*\'()-", no "/" at its ends, no ".." in it';
const prefix = text(prefixMessage, /^(?:[\w!.*'()-]+(?:\/[\w!.*'()-]+)*)?$/).refine(
  value => !value.split('/').some(part => /^\.+$/.test(part)),
  prefixMessage,
);

export const S3 = group({
  endpoint: endpoint('checkpoint.s3'),
  bucket: text(
    'must be a bucket: 3 to 63 lower-case letters, digits, "-" and "."',
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  )
    .optional()
    .meta(described('The bucket. It must exist.')),
  prefix: prefix
    .optional()
    .meta(described('Objects are at <prefix>/<job>/step-00000100/.', s3Defaults.prefix)),
  region: region.optional().meta(described('The region.', s3Defaults.region)),
  pathStyle: z
    .boolean('must be true or false')
    .nullable()
    .optional()
    .meta(
      described(
        'The bucket is in the path of the URL, not in its host. Default: where an endpoint is given.',
      ),
    ),
  keep: whole(1, 10_000)
    .nullable()
    .optional()
    .meta(described('How many are kept there. Default: as many as in the volume.', null)),
  keepEvery: whole(1)
    .nullable()
    .optional()
    .meta(described('Every n-th is pinned there. Default: as in the volume.', null)),
  restoreTimeout: duration(1000, '1s')
    .optional()
    .meta(
      described(
        'An empty volume is filled from there; so long it may be out of reach before the job starts anew.',
        '60s',
      ),
    ),
  credentials,
  caBundle: caBundle('the master'),
});
