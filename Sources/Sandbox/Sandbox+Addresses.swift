import Synchronization

/// Where clients find the org: its own addresses, and the names that lead to it on this machine or through a proxy.
extension Sandbox {
    private static let loopbackHosts: Set<String> = ["localhost", "127.0.0.1", "[::1]"]
    private static let myDomainSuffix = ".my.salesforce.com"
    /// Names of My Domain that are remembered.
    private static let myDomainsMax = 100

    /// The instance URL that goes out with a session: from then on the org is known by it.
    func grantedInstanceURL(for authority: String) -> String {
        let url = instanceURL(for: authority)
        if Self.split(authority).host.hasSuffix(Self.myDomainSuffix) {
            state.withLock { state in
                guard state.myDomains.count < Self.myDomainsMax else { return }
                state.myDomains.insert(url)
            }
        }
        return url
    }

    /// The instance URL for a client that called this host and port. A client that found the org under a name of this
    /// machine stays with that name (HTTP clients refuse cookies of bare addresses, and TLS clients need https); one that a
    /// proxy led here stays on TLS.
    func instanceURL(for authority: String) -> String {
        let addresses = state.withLock { $0.addresses }
        let (host, port) = Self.split(authority)
        if Self.loopbackHosts.contains(host) {
            for url in [addresses.httpURL, addresses.httpsURL] where !url.isEmpty {
                let own = Self.split(Self.authority(of: url))
                if own.port == port { return url.prefix { $0 != ":" } + "://" + authority }
            }
        }
        if host.hasSuffix(Self.myDomainSuffix) { return "https://" + authority }
        if Self.isLoginHost(host), !addresses.httpsURL.isEmpty { return addresses.httpsURL }
        return addresses.instanceURL
    }

    /// True for the org's addresses, by any name of this machine, and for every URL that went out with a session.
    func isOwnURL(_ url: String) -> Bool {
        let given = url.hasSuffix("/") ? String(url.dropLast()) : url
        let (addresses, isGranted) = state.withLock { ($0.addresses, $0.myDomains.contains(given)) }
        let own = [addresses.instanceURL, addresses.httpURL, addresses.httpsURL]
        if isGranted || own.contains(where: { !$0.isEmpty && $0 == given }) { return true }
        let authority = Self.authority(of: given)
        guard !authority.contains("/"), !authority.isEmpty else { return false }
        guard Self.loopbackHosts.contains(Self.split(authority).host) else { return false }
        return instanceURL(for: authority) == given
    }

    /// Salesforce's common login hosts: some grants are refused there.
    static func isLoginHost(_ host: String) -> Bool {
        host == "login.salesforce.com" || host == "test.salesforce.com"
    }

    private static func authority(of url: String) -> String {
        guard let start = url.firstRange(of: "://")?.upperBound else { return "" }
        return url[start...].lowercased()
    }

    private static func split(_ authority: String) -> (host: String, port: String?) {
        let afterHost = authority.lastIndex(of: "]") ?? authority.startIndex
        guard let colon = authority[afterHost...].lastIndex(of: ":") else { return (authority, nil) }
        return (String(authority[..<colon]), String(authority[authority.index(after: colon)...]))
    }
}
