// Reads the body of a request and writes it back.

class Plugin {
  async access(kong) {
    const body = await kong.request.getRawBody();
    await kong.service.request.setRawBody(Buffer.from(body).toString());
  }
}

module.exports = { Plugin, Schema: [], Version: "1.0.0", Priority: 1, Name: "body" };
