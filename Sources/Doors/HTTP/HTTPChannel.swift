internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1

/// The pipeline of a connection of the HTTP door: Hummingbird's, with our decoder and `ConnectionHandler` in front of it.
///
///     socket · [TLS] · encoder · decoder · ConnectionHandler · HTTP types · idle timer · Hummingbird
struct HTTPChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: HTTPChannelHandler.Responder
    let rules: RequestRules
    let instruments: HTTPInstruments

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let decoder = RequestDecoder(limits: rules.limits)
            let decoding = ByteToMessageHandler(decoder)
            try pipeline.addHandler(HTTPResponseEncoder())
            try pipeline.addHandler(decoding)
            try pipeline.addHandler(
                ConnectionHandler(rules: rules, decoder: decoder, decoding: decoding, instruments: instruments))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: rules.isTLS))
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: rules.limits.idleTimeout, logger: logger))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    func handle(value: Value, logger: Logger) async {
        let address = value.channel.remoteAddress?.ipAddress ?? ""
        await HTTPConnection.$channel.withValue(value.channel) {
            await ConnectionPeer.$address.withValue(address) {
                await handleHTTP(asyncChannel: value, logger: logger)
            }
        }
    }
}
