internal import NIOCore
internal import NIOHTTP1

/// What the door demands of every request's head before a route sees it.
struct RequestRules: Sendable {
    var limits: HTTPDoor.Limits
    var takeovers: [any ConnectionTakeover]
    /// The door speaks TLS.
    var isTLS: Bool

    /// What to do with a request; when its connection is to be taken, the request as the taker wants it, and the taker.
    func verdict(
        on head: HTTPRequestHead
    ) -> (ConnectionStateMachine.Verdict, takeover: (request: TakeoverRequest, taker: any ConnectionTakeover)?) {
        if let refusal = refusal(of: head) { return (.refuse(refusal), nil) }
        if let takeover = takeover(of: head) {
            if let refusal = takeoverRefusal(of: head) { return (.refuse(refusal), nil) }
            return (.takeOver, takeover)
        }
        // The decoder stops for good behind a request that asks for an upgrade, whether it is granted or not.
        let asksForUpgrade = head.headers.contains(name: "upgrade")
        return (.pass(keepsAlive: head.isKeepAlive && !asksForUpgrade), nil)
    }

    /// A request on a door without takers makes no copy of its headers.
    private func takeover(
        of head: HTTPRequestHead
    ) -> (request: TakeoverRequest, taker: any ConnectionTakeover)? {
        guard !takeovers.isEmpty else { return nil }
        let request = TakeoverRequest(
            method: head.method.rawValue, uri: head.uri, headers: head.headers.map { (name: $0.name, value: $0.value) },
            isEncrypted: isTLS)
        return takeovers.first { $0.wants(request) }.map { (request, $0) }
    }

    private func takeoverRefusal(of head: HTTPRequestHead) -> Refusal? {
        if hasBody(head) {
            return Refusal(
                status: 400, errorCode: "INVALID_REQUEST", message: "A request for this resource cannot have a body.")
        }
        return nil
    }

    private func refusal(of head: HTTPRequestHead) -> Refusal? {
        if head.uri.utf8.count > limits.targetBytesMax {
            return Refusal(
                status: 414, errorCode: "URI_TOO_LONG",
                message: "The request target is longer than \(limits.targetBytesMax) bytes.")
        }
        var headerBytes = 0
        for (name, value) in head.headers { headerBytes += name.utf8.count + value.utf8.count }
        if headerBytes > limits.headerBytesMax { return headersTooLarge }
        if head.method == .CONNECT {
            return Refusal(status: 405, errorCode: "METHOD_NOT_ALLOWED", message: "HTTP Method 'CONNECT' not allowed.")
        }
        guard head.uri.hasPrefix("/") || (head.method == .OPTIONS && head.uri == "*") else {
            return Refusal(
                status: 400, errorCode: "INVALID_REQUEST",
                message: "The request target must be a path that begins with '/'.")
        }
        let hosts = head.headers["host"].count
        if hosts > 1 || (hosts == 0 && head.version == .http1_1) {
            return Refusal(
                status: 400, errorCode: "INVALID_REQUEST",
                message: "A request must have exactly one Host header, not \(hosts).")
        }
        if let length = head.headers.first(name: "content-length"),
            Int(length).map({ $0 > bodyBytesMax(of: head) }) ?? true
        {
            return bodyTooLarge(bodyBytesMax(of: head))
        }
        return nil
    }

    var headersTooLarge: Refusal {
        Refusal(
            status: 431, errorCode: "REQUEST_HEADERS_TOO_LARGE",
            message: "The request's headers are longer than \(limits.headerBytesMax) bytes.")
    }

    func bodyTooLarge(_ bytesMax: Int) -> Refusal {
        Refusal(
            status: 413, errorCode: "REQUEST_TOO_LARGE",
            message: "The request's body is longer than \(bytesMax) bytes.")
    }

    /// What a request may carry depends on where it goes: rows of bulk jobs are large, and never in memory.
    func bodyBytesMax(of head: HTTPRequestHead) -> Int {
        if isUpload(head) { return limits.uploadBytesMax }
        return head.uri.hasPrefix("/services/async/") ? limits.batchBytesMax : limits.bodyBytesMax
    }

    func requestTimeout(of head: HTTPRequestHead) -> TimeAmount {
        isUpload(head) ? limits.uploadTimeout : limits.requestTimeout
    }

    /// `PUT /services/data/v67.0/jobs/ingest/750…/batches`
    private func isUpload(_ head: HTTPRequestHead) -> Bool {
        guard head.method == .PUT, head.uri.hasPrefix("/services/data/") else { return false }
        let elements = head.uri.prefix { $0 != "?" }.split(separator: "/")
        return elements.count == 7 && elements[3...4].elementsEqual(["jobs", "ingest"]) && elements[6] == "batches"
    }

    private func hasBody(_ head: HTTPRequestHead) -> Bool {
        if head.headers.contains(name: "transfer-encoding") { return true }
        guard let length = head.headers.first(name: "content-length") else { return false }
        return length != "0"
    }
}
