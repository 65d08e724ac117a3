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

    /// Takes the handlers of HTTP out of a pipeline, of a connection that is handed over; the decoder has left before. The
    /// one that stands between the pipeline and Hummingbird cannot leave.
    static func strip(_ channel: any Channel) {
        let pipeline = channel.pipeline.syncOperations
        func remove<Handler: RemovableChannelHandler>(_ type: Handler.Type) {
            guard let handler = try? pipeline.handler(type: type) else { return }
            // Fails where the channel closes meanwhile, which takes all of them.
            pipeline.removeHandler(handler).whenFailure { _ in }
        }
        remove(HTTPResponseEncoder.self)
        remove(HTTP1ToHTTPServerCodec.self)
        remove(HTTPConnectionStateHandler.self)
        remove(ConnectionHandler.self)
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
