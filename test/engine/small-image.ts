import type Docker from 'dockerode';

/** An image with a shell that the engine has already: the one that ftc's own are built on, or one of ftc's. */
export async function smallImage(docker: Docker): Promise<string> {
  const wanted = [process.env.FTC_BASE_IMAGE, 'ftc-debian:trixie', 'debian:trixie-slim'];
  for (const name of wanted) {
    if (name === undefined || name === '') continue;
    const there = await docker
      .getImage(name)
      .inspect()
      .then(
        () => true,
        () => false,
      );
    if (there) return name;
  }
  throw new Error(`none of ${wanted.filter(Boolean).join(', ')} is in the engine: run "npm run setup" first`);
}
