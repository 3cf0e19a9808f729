/** A mount as the engine wants it. Not as `source:target`: a folder's name may have a colon in it. */
import type Docker from 'dockerode';

export interface Mount {
  readonly type: 'volume' | 'bind';
  /** The volume's name, or an absolute path of the host. */
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
}

/** Of a volume, nothing of the image is copied into it. */
export const toMount = ({ type, source, target, readOnly = false }: Mount): Docker.MountSettings => ({
  Type: type,
  Source: source,
  Target: target,
  ReadOnly: readOnly,
  ...(type === 'volume' && {
    VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: '', Options: {} } },
  }),
});
