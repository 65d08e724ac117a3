import Testing

@testable import Doors

@Suite struct ODataPathTests {
    @Test(arguments: [
        ("/odata/v4", ODataPath.serviceDocument), ("/odata/v4/", .serviceDocument), ("/odata/v4/$metadata", .metadata),
        ("/odata/v4/%24metadata", .metadata), ("/odata/v4/Account", .set("Account")),
        ("/odata/v4/Account/$count", .count(of: "Account")),
        ("/odata/v4/Account('it''s')", .entity("Account", key: "it's")),
        ("/odata/v4/Account(Id='a%2Fb+c')", .entity("Account", key: "a/b+c")),
    ])
    func aPathNamesAResource(_ path: String, _ resource: ODataPath) throws {
        #expect(try ODataPath(path, rootSegments: 2) == resource)
    }

    /// The router takes them for one; what was behind the root began too early or too late.
    @Test(arguments: ["//odata/v4/Account", "/odata//v4/Account", "/odata/v4//Account/", "//odata//v4//Account"])
    func severalSlashesAreOne(_ path: String) throws {
        #expect(try ODataPath(path, rootSegments: 2) == .set("Account"))
    }

    @Test(arguments: [
        ("/odata/v4/Account('a'", 400), ("/odata/v4/Account()", 400), ("/odata/v4/Account(')", 400),
        ("/odata/v4/%FF", 400), ("/odata/v4/$nothing", 404), ("/odata/v4/$metadata/x", 404), ("/odata/v4/$batch", 501),
        ("/odata/v4/Account/Name", 501), ("/odata/v4/Account('a')/$count", 501), ("/odata/v4/Account/$count/x", 501),
    ])
    func anythingElseIsRefused(_ path: String, _ status: Int) throws {
        let error = try #require(throws: ODataError.self) { try ODataPath(path, rootSegments: 2) }
        #expect(error.status == status)
    }
}
