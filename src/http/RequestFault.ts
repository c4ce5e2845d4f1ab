/** The request itself is at fault, whatever it asks for; answered with the status. `message` says what to do. */
export class RequestFault extends Error {
  readonly status: number
  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}
