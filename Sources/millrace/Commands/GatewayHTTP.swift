import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// A call to a gateway that may not run: one that is not there is said at once, where the shared client would try until the deadline.
enum GatewayHTTP {
    /// The status and the body, whatever the status.
    static func answer(
        _ request: HTTPClientRequest, within timeout: TimeAmount, bytesMax: Int
    ) async throws -> (status: HTTPResponseStatus, body: ByteBuffer) {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let response = try await http.execute(request, timeout: timeout)
            let body = try await response.body.collect(upTo: bytesMax)
            try await http.shutdown()
            return (response.status, body)
        } catch {
            // What has failed is what there is to say.
            try? await http.shutdown()
            throw error
        }
    }
}
