/*
 * A permission daemon that answers nothing, and that cannot be found at first: its group is in transit in a
 * socket, so no process has a descriptor of it.
 *   silent-daemon <watched directory>
 * Says "ready" when it watches. Has the descriptor again once it has read a byte of its standard input.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void send_away(int socket, int fd) {
  char body = 0;
  union control control = {0};
  struct iovec iov = {&body, 1};
  struct msghdr message = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (sendmsg(socket, &message, 0) < 0) die("sendmsg");
  close(fd);
}

static void take_back(int socket) {
  char body;
  union control control = {0};
  struct iovec iov = {&body, 1};
  struct msghdr message = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0) die("recvmsg");
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE);
  if (group < 0) die("fanotify_init");
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets)) die("socketpair");
  if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM, AT_FDCWD, argv[1]))
    die("fanotify_mark");
  send_away(sockets[0], group);
  puts("ready");
  fflush(stdout);
  char byte;
  if (read(STDIN_FILENO, &byte, 1) == 1) take_back(sockets[1]);
  for (;;) pause();
}
