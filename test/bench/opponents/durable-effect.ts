import { chainLength, freshName } from '../durable/engine.ts'
import type { Engine, Places } from '../durable/engine.ts'
import { postgresFootprint } from '../durable/footprints.ts'
import { load } from '../packages.ts'

type Effect<Value> = Iterable<unknown> & { readonly value?: Value }

interface Layer {
  pipe(...steps: readonly ((layer: Layer) => Layer)[]): Layer
}

interface EffectModule {
  readonly Effect: {
    sync<Value>(evaluate: () => Value): Effect<Value>
    gen<Value>(body: () => Generator<unknown, Value, unknown>): Effect<Value>
  }
  readonly Layer: {
    provide(layer: Layer | readonly Layer[]): (layer: Layer) => Layer
    provideMerge(layer: Layer): (layer: Layer) => Layer
    mergeAll(...layers: readonly Layer[]): Layer
  }
  readonly ManagedRuntime: {
    make(layer: Layer): { runPromise<Value>(effect: Effect<Value>): Promise<Value>; dispose(): Promise<void> }
  }
  readonly Redacted: { make(value: string): unknown }
}

interface SchemaModule {
  readonly Schema: { readonly String: unknown; readonly Number: unknown }
}

interface WorkflowModule {
  readonly Workflow: {
    make(
      name: string,
      options: { payload: object; success: unknown; idempotencyKey: (payload: { id: string }) => string },
    ): {
      execute(payload: { id: string }): Effect<number>
      toLayer(execute: (payload: { id: string }) => Effect<number>): Layer
    }
  }
  readonly Activity: {
    make(options: { name: string; success: unknown; execute: Effect<number> }): Effect<number>
  }
}

interface ClusterModule {
  readonly ClusterWorkflowEngine: { readonly layer: Layer }
  readonly SingleRunner: { layer(options: { shardingConfig: object; runnerStorage: 'memory' | 'sql' }): Layer }
}

interface SqlModule {
  readonly PgClient: { layer(options: { url: unknown; maxConnections: number }): Layer }
}

interface NodeModule {
  readonly NodeCrypto: { readonly layer: Layer }
}

/** Effect's workflows on its single-process cluster over PostgreSQL: ten activities one after another. */
export async function openEffect({ postgres }: Places): Promise<Engine> {
  const { Effect, Layer, ManagedRuntime, Redacted } = await load<EffectModule>('effect')
  const { Schema } = await load<SchemaModule>('effect')
  const { Workflow, Activity } = await load<WorkflowModule>('effect/workflow')
  const { ClusterWorkflowEngine, SingleRunner } = await load<ClusterModule>('effect/cluster')
  const { PgClient } = await load<SqlModule>('@effect/sql-pg')
  const { NodeCrypto } = await load<NodeModule>('@effect/platform-node')
  const chain = Workflow.make('chain', {
    payload: { id: Schema.String },
    success: Schema.Number,
    idempotencyKey: ({ id }) => id,
  })
  const handler = chain.toLayer(() =>
    Effect.gen(function* () {
      let value = 0
      for (let step = 0; step < chainLength; step++) {
        const before = value
        value = (yield* Activity.make({
          name: `s${step}`,
          success: Schema.Number,
          execute: Effect.sync(() => before + 1),
        })) as number
      }
      return value
    }),
  )
  const url = new URL(postgres)
  url.pathname = '/effect'
  const runtime = ManagedRuntime.make(
    handler.pipe(
      Layer.provideMerge(ClusterWorkflowEngine.layer),
      Layer.provideMerge(
        // Polling as often as it may, so that it waits for work and not for a timer.
        SingleRunner.layer({
          shardingConfig: { entityMessagePollInterval: 50, entityReplyPollInterval: 10 },
          runnerStorage: 'memory',
        }),
      ),
      Layer.provide([PgClient.layer({ url: Redacted.make(url.href), maxConnections: 20 }), NodeCrypto.layer]),
    ),
  )
  const { read, close } = await postgresFootprint(postgres)
  return {
    run: () => runtime.runPromise(chain.execute({ id: freshName('chain') })),
    footprint: read,
    async close() {
      await close()
      await runtime.dispose()
    },
  }
}
