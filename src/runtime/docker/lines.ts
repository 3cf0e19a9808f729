/** Whole lines of a stream. A chunk is no line: one may hold several, or half of one, or half of a character. */
export async function* lines(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let partial = '';
  for await (const chunk of stream) {
    partial += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const complete = partial.split('\n');
    partial = complete.pop() ?? '';
    for (const line of complete) if (line.trim() !== '') yield line;
  }
  if (partial.trim() !== '') yield partial;
}
