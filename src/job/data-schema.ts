/** `data`: a volume for shards, and the bucket that they come from. */
import { dataDefaults } from './data.ts';
import { caBundle, credentials, endpoint, region } from './s3-schema.ts';
import { described, group, text } from './schema-parts.ts';

export const Data = group({
  cache: text('must be an amount such as "512m" or "2g"', /^[1-9]\d*[kmgt]b?$/i)
    .optional()
    .meta(described('What the volume for shards may hold. Shards in use may go beyond.', dataDefaults.cache)),
  s3: group({
    endpoint: endpoint('data.s3'),
    region: region
      .nullable()
      .optional()
      .meta(described('The region. Default: what boto3 finds, or us-east-1.', null)),
    credentials,
    caBundle: caBundle('every worker'),
  })
    .nullable()
    .optional()
    .meta(described('The bucket that the script reads shards from; {} takes AWS and the environment.')),
});
