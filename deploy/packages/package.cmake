# The .deb: `cpack -G DEB -B FOLDER --config BUILD/CPackConfig.cmake`. What `make install` installs, below /usr, and what only a package
# has: the unit, the configuration as a conffile, the scripts.
install(FILES deploy/systemd/llmsnoop.service DESTINATION lib/systemd/system COMPONENT package EXCLUDE_FROM_ALL)
install(FILES deploy/systemd/llmsnoop.sysusers.conf DESTINATION lib/sysusers.d RENAME llmsnoop.conf
        COMPONENT package EXCLUDE_FROM_ALL)
install(FILES deploy/systemd/llmsnoop.tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME llmsnoop.conf
        COMPONENT package EXCLUDE_FROM_ALL)
install(FILES deploy/systemd/llmsnoop.logrotate DESTINATION share/doc/llmsnoop/examples RENAME logrotate
        COMPONENT package EXCLUDE_FROM_ALL)
# By way of the prefix, /usr: CPack takes no absolute paths without moving everything else as well.
install(FILES deploy/config/llmsnoop.yaml DESTINATION ../etc/llmsnoop RENAME config.yaml
        COMPONENT package EXCLUDE_FROM_ALL)
install(FILES deploy/packages/debian/copyright DESTINATION share/doc/llmsnoop COMPONENT package EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME llmsnoop)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The llmsnoop project <llmsnoop@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "LLM token usage by process, container and pod (eBPF)")
set(CPACK_PACKAGE_DESCRIPTION " An agent that sees, by eBPF, the plaintext which processes hand to their TLS
library, and rebuilds from it the calls they make to large language models: who
asked which model, how many tokens that took, what it cost and how it ended.
Prometheus metrics, an audit log, and no prompt that leaves unless asked for.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};llmsnoop;Unspecified;/;${CMAKE_BINARY_DIR};llmsnoop;package;/")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(scripts ${CMAKE_SOURCE_DIR}/deploy/packages/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)
include(CPack)
