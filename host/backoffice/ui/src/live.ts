import { onBeforeUnmount, ref, type Ref } from 'vue'

/** Milliseconds between two readings when the socket is not there. */
const POLL_MS = 1_500

/** Milliseconds before a lost socket is opened again. */
const REOPEN_MS = 3_000

/**
 * Follows a channel of Data Fair's WebSocket protocol as long as the component lives. `reload` reads the stored state:
 * once when the channel is open (what happened before is then known), and every now and then while there is no socket.
 */
export function follow<T>(
  service: '/data-fair/' | '/processings/',
  channel: string,
  reload: () => Promise<void>,
  message: (data: T) => void
): Ref<boolean> {
  const connected = ref(false)
  let stopped = false
  let socket: WebSocket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const safely = () => reload().catch(() => undefined)

  function open(): void {
    socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${service}`)
    socket.onopen = () => socket?.send(JSON.stringify({ type: 'subscribe', channel }))
    socket.onmessage = event => {
      const received = JSON.parse(String(event.data)) as { type: string; channel?: string; data: T }
      if (received.type === 'subscribe-confirm') {
        connected.value = true
        void safely()
      } else if (received.type === 'message' && received.channel === channel) {
        message(received.data)
      } else if (received.type === 'error') {
        socket?.close()
      }
    }
    socket.onclose = () => {
      connected.value = false
      if (!stopped) setTimeout(() => stopped || open(), REOPEN_MS)
    }
  }

  async function poll(): Promise<void> {
    if (!connected.value) await safely()
    if (!stopped) timer = setTimeout(() => void poll(), POLL_MS)
  }

  onBeforeUnmount(() => {
    stopped = true
    clearTimeout(timer)
    socket?.close()
  })
  open()
  void poll()
  return connected
}
