/** Runs `use` with another limit of the bytes that files may ask for. */
export async function withMaxAlloc(limit: string, use: () => unknown): Promise<void> {
  const before = process.env["NETRUN_MAX_ALLOC"];
  process.env["NETRUN_MAX_ALLOC"] = limit;
  try {
    await use();
  } finally {
    if (before === undefined) delete process.env["NETRUN_MAX_ALLOC"];
    else process.env["NETRUN_MAX_ALLOC"] = before;
  }
}
