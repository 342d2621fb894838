import type { Pool, RowDataPacket } from 'mysql2/promise'

/** Names of the tables in MySQL that begin with a prefix. */
export async function tablesOfPrefix(pool: Pool, prefix: string): Promise<readonly string[]> {
  const [rows] = await pool.query<RowDataPacket[]>(`show tables like '${prefix.replaceAll('_', '\\_')}%'`)
  return rows.flatMap((row) => Object.values(row) as string[])
}

/** Removes them, at once: one after the other takes three times as long. */
export async function dropPrefix(pool: Pool, prefix: string): Promise<void> {
  const tables = await tablesOfPrefix(pool, prefix)
  if (tables.length > 0) await pool.query(`drop table ${tables.join(', ')}`)
}
