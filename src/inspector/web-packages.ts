// What the server is made of, in one place: in the package this file holds it all, bundled.
export { getRequestListener } from '@hono/node-server'
export { Hono } from 'hono'
export type { Context } from 'hono'
export { WebSocket, WebSocketServer } from 'ws'
