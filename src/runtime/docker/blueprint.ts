/** From what the engine tells of a container to what it takes to make another one like it. Pure. */
import { z } from 'zod';
import type { Blueprint } from '../replica.ts';

const Settings = z.record(z.string(), z.unknown());
const Inspection = z.object({
  Id: z.string(),
  Name: z.string(),
  /** The image's own id: its name may mean a newer one by now. */
  Image: z.string(),
  Config: Settings,
  HostConfig: Settings,
  NetworkSettings: z.object({
    Networks: z
      .record(
        z.string(),
        z.object({ Aliases: z.array(z.string()).nullish(), IPAMConfig: z.unknown().nullish() }),
      )
      .nullish(),
  }),
});

/** What the engine chose itself for the old one (its id as a name, its addresses) is left to it again. */
export function toBlueprint(answer: unknown): Blueprint {
  const { Id, Name, Image, Config, HostConfig, NetworkSettings } = Inspection.parse(answer);
  const own = Id.slice(0, 12);
  const { Hostname, ...config } = Config;
  const endpoints = Object.entries(NetworkSettings.Networks ?? {}).map(([network, n]) => {
    const Aliases = (n.Aliases ?? []).filter(alias => alias !== own);
    return [network, { Aliases, ...(n.IPAMConfig != null && { IPAMConfig: n.IPAMConfig }) }] as const;
  });
  return {
    name: Name.replace(/^\//, ''),
    body: {
      ...config,
      ...(Hostname !== own && { Hostname }),
      Image,
      HostConfig,
      ...(endpoints.length > 0 && { NetworkingConfig: { EndpointsConfig: Object.fromEntries(endpoints) } }),
    },
  };
}
